// Loaded before a program of a text: sends its requests to OpenRouter to the upstream on loopback (UPSTREAM) instead.
const API = "https://openrouter.ai/api/v1";
const { fetch } = globalThis;
globalThis.fetch = (input, init) => {
  const address = String(input instanceof Request ? input.url : input);
  if (!address.startsWith(`${API}/`)) throw new Error(`a request to ${address}`);
  const target = process.env.UPSTREAM + address.slice(API.length);
  return input instanceof Request ? fetch(new Request(target, input), init) : fetch(target, init);
};
