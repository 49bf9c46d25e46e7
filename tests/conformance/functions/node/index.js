// The Node function of the conformance tests: it does what its event asks for.
"use strict";

class Refused extends Error {
  constructor(message) {
    super(message);
    this.name = "Refused";
  }
}

exports.handler = async (event, context) => {
  switch (event.do) {
    case "print":
      console.log(event.text);
      return null;
    case "raise":
      throw new Refused(event.text);
    case "exit":
      process.exit(event.status);
    case "size":
      return event.text.length;
    case "context":
      return {
        pid: process.pid,
        request: context.awsRequestId,
        name: context.functionName,
        arn: context.invokedFunctionArn,
        memory: context.memoryLimitInMB,
        remaining: context.getRemainingTimeInMillis(),
        client: context.clientContext,
      };
  }
  return { echo: event };
};

exports.callback = (event, context, callback) => {
  setTimeout(() => (event.fail ? callback(new Refused(event.fail)) : callback(null, { later: event })), 10);
};

exports.stream = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType("text/plain");
  for (const part of event.parts) {
    stream.write(part);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (event.fail) throw new Refused(event.fail);
  stream.end();
});
