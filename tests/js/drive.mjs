// Drives the JavaScript SDK from a line of JSON a call: {"operation", "input", "paginate"} in, its answer out.
import { createInterface } from "node:readline";
import * as sdk from "@aws-sdk/client-workmail";

const client = new sdk.WorkMailClient({
  endpoint: process.argv[2],
  region: "eu-west-1",
  credentials: { accessKeyId: process.argv[3], secretAccessKey: process.argv[4] },
  maxAttempts: 1,
});

async function ask({ operation, input, paginate }) {
  if (paginate) {
    const pages = [];
    for await (const page of sdk[`paginate${operation}`]({ client, pageSize: 1 }, input)) pages.push(page);
    return { pages: pages.map(({ $metadata, ...output }) => output) };
  }
  const { $metadata, ...output } = await client.send(new sdk[`${operation}Command`](input));
  return { output };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await ask(JSON.parse(line));
  } catch (error) {
    reply = { error: error.name, modelled: error.name in sdk && error instanceof sdk[error.name], text: `${error}` };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
