// javascript_client.mjs PACKAGE URL: the SDK for JavaScript, a line of JSON in and a line out for each operation.
// Bytes are {"$bytes": base64} on both ways.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , place, endpoint] = process.argv;
const sdk = createRequire(place + "/package.json")("@aws-sdk/client-lambda");
const client = new sdk.LambdaClient({
  endpoint, region: "us-east-1", credentials: { accessKeyId: "any", secretAccessKey: "any" }, maxAttempts: 1,
});

const isBytes = (value) => value && typeof value === "object" && "$bytes" in value;
const received = (key, value) => (isBytes(value) ? Buffer.from(value.$bytes, "base64") : value);
const withBytes = (value) => {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(withBytes);
  if (value instanceof Date || value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBytes(inner)]));
};

async function answer({ operation, waiter, parameters }) {
  if (waiter) return sdk[waiter]({ client, maxWaitTime: 60 }, parameters);
  const { $metadata, ...reply } = await client.send(new sdk[`${operation}Command`](parameters));
  return reply;
}

for await (const line of createInterface({ input: process.stdin })) {
  let told;
  try {
    told = { reply: withBytes(await answer(JSON.parse(line, received))) };
  } catch (error) {
    const status = error.$metadata?.httpStatusCode;
    told = status && error.name !== "TimeoutError"
      ? { refused: error.name, status, message: error.message, reason: error.Reason }
      : { failed: String(error.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(told) + "\n");
}
