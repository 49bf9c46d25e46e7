// Deploy with: faasd deploy hello-node DIR --runtime nodejs20.x --handler index.handler

export const handler = async (event, context) => {
  const name = event.name ?? 'world';
  console.log('greeting', name); // goes to the function's log
  return {
    hello: name,
    from: 'node',
    request: context.awsRequestId,
    left_ms: context.getRemainingTimeInMillis(),
  };
};
