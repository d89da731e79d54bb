// Passes texts to the programs and libraries they are for, and sends requests to the upstream on loopback.
// Usage: programs.mjs TEXTS TOOLS UPSTREAM WORK CHECK CASE
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [texts, tools, upstream, work, check, name] = process.argv.slice(2);
const require = createRequire(join(tools, "package.json"));
const load = (path) => import(pathToFileURL(path).href);
// The main module of a package; newer versions name it `.js` instead of `.mjs`.
const main = (name) => {
  const dist = join(tools, "node_modules", name, "dist");
  return load(["index.mjs", "index.js"].map((file) => join(dist, file)).find(existsSync));
};
const text = (file) => readFileSync(join(texts, name, file), "utf8");
const json = (file) => JSON.parse(text(file));
const facts = json("case.json");

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

const checks = {
  // Continue's own parser of config.yaml.
  async continue() {
    const { configYamlSchema } = await load(join(tools, "node_modules/@continuedev/config-yaml/dist/schemas/index.js"));
    const { parse } = require("yaml");
    const config = configYamlSchema.parse(parse(text("continue.yaml")));
    assert.equal(config.models[0].model, facts.model);
    assert.deepEqual(config.models[0].requestOptions.extraBodyProperties.provider, facts.provider);
  },
  // Roo Code's own schema of a provider profile.
  async roo() {
    const { providerSettingsSchema, globalSettingsSchema } = await load(
      join(tools, "node_modules/@roo-code/types/dist/index.js"),
    );
    const settings = json("roo.json");
    globalSettingsSchema.parse(settings.globalSettings);
    const profiles = settings.providerProfiles;
    const profile = providerSettingsSchema.parse(profiles.apiConfigs[profiles.currentApiConfigName]);
    assert.equal(profile.openRouterModelId, facts.model);
    assert.equal(profile.openRouterSpecificProvider, facts.provider.only[0]);
  },
  // pi's own registry reads models.json; the override is for a model that pi knows, as others cannot be overridden.
  async pi() {
    const core = join(tools, "node_modules/@earendil-works/pi-coding-agent/dist/core");
    const schema = join(core, "../../schemas/models.schema.json");
    if (existsSync(schema)) {
      // From version 1 on the registry needs the whole program, and the package has a schema of the file.
      const { default: Ajv } = require("ajv/dist/2020");
      const accepts = new Ajv({ strict: false }).compile(JSON.parse(readFileSync(schema, "utf8")));
      const models = json("pi.json");
      assert.ok(accepts(models), JSON.stringify(accepts.errors));
      const [override] = Object.values(models.providers.openrouter.modelOverrides);
      assert.deepEqual(override.compat.openRouterRouting, facts.provider);
      override.compat.openRouterRouting.only = "one";
      assert.ok(!accepts(models), "the schema accepts anything");
      return;
    }
    const { ModelRegistry } = await load(join(core, "model-registry.js"));
    const { AuthStorage } = await load(join(core, "auth-storage.js"));
    const registry = (models) => {
      const path = join(work, "models.json");
      writeFileSync(path, JSON.stringify(models));
      return ModelRegistry.create(AuthStorage.inMemory(), path);
    };
    const models = json("pi.json");
    assert.equal(registry(models).getError(), undefined);
    const known = ModelRegistry.inMemory(AuthStorage.inMemory()).getAll().find((m) => m.provider === "openrouter");
    const overrides = models.providers.openrouter.modelOverrides;
    const [override] = Object.values(overrides);
    models.providers.openrouter.modelOverrides = { [known.id]: override };
    const found = registry(models).find("openrouter", known.id);
    assert.deepEqual(found.compat.openRouterRouting, facts.provider);
    assert.ok(registry({ providers: { openrouter: { modelOverrides: [override] } } }).getError());
  },
  // The provider of the AI SDK, with the options that opencode passes to it.
  async opencode() {
    const { createOpenRouter } = await main("@openrouter/ai-sdk-provider");
    const { generateText } = await main("ai");
    const options = json("opencode.json").provider.openrouter.models[facts.model].options;
    const openrouter = createOpenRouter({ baseURL: upstream, apiKey: "key" });
    await generateText({ model: openrouter(facts.model), prompt: "hello", providerOptions: { openrouter: options } });
  },
  // Vercel's package for its gateway.
  async "vercel-ai-gateway"() {
    const { createGateway } = await main("@ai-sdk/gateway");
    const { model, providerOptions } = json("vercel-ai-gateway.json");
    const gateway = createGateway({ baseURL: upstream, apiKey: "key" });
    const prompt = [{ role: "user", content: [{ type: "text", text: "hello" }] }];
    // The response is not a real gateway response; only the request counts.
    await gateway(model).doGenerate({ prompt, providerOptions }).catch(() => {});
  },
  // n8n's own node, without the libraries that it is built on: what it passes to the client of OpenAI's API.
  async n8n() {
    const path = join(tools, "n8n/package/dist/nodes/llms/LmChatOpenRouter/LmChatOpenRouter.node.js");
    let passed;
    // In place of every other library: any of its values can be called, built, read from, and joined to a text.
    const value = (_, key) => (key === "__esModule" ? true : key === Symbol.toPrimitive ? () => "" : stub);
    const stub = new Proxy(function () {}, { get: value, apply: () => stub, construct: () => stub });
    const client = { ChatOpenAI: class { constructor(fields) { passed = fields; } } };
    const original = Module._load;
    Module._load = (name, ...rest) =>
      name === "@langchain/openai" ? client : name === path ? original(name, ...rest) : stub;
    const { LmChatOpenRouter } = require(path);
    Module._load = original;
    const [node] = json("n8n.json").nodes;
    const declared = new LmChatOpenRouter().description;
    assert.equal(node.type, `@n8n/n8n-nodes-langchain.${declared.name}`);
    assert.ok([declared.version].flat().includes(node.typeVersion));
    await new LmChatOpenRouter().supplyData.call(
      {
        getCredentials: async () => ({ apiKey: "key", url: upstream }),
        getNodeParameter: (name) => node.parameters[name],
        helpers: { getSecureEgressFilter: () => undefined },
      },
      0,
    );
    assert.equal(passed.model, facts.model);
    const { quantizations, max_price, ...supported } = facts.provider;
    assert.deepEqual(passed.modelKwargs.provider, supported);
  },
  // claude-code-router itself, with its settings in a separate home directory.
  async "claude-code-router"() {
    const home = join(work, "home");
    mkdirSync(join(home, ".claude-code-router"), { recursive: true });
    const config = json("claude-code-router.json");
    const port = await freePort();
    config.Providers[0].api_base_url = `${upstream}/chat/completions`;
    writeFileSync(join(home, ".claude-code-router/config.json"), JSON.stringify({ ...config, PORT: port, HOST: "127.0.0.1" }));
    const cli = join(tools, "node_modules/@musistudio/claude-code-router/dist/cli.js");
    const env = { ...process.env, HOME: home, OPENROUTER_API_KEY: "key" };
    const router = spawn(process.execPath, [cli, "start"], { env, stdio: "ignore" });
    try {
      const body = JSON.stringify({ model: "any", max_tokens: 16, messages: [{ role: "user", content: "hello" }] });
      const headers = { "content-type": "application/json", "x-api-key": "any" };
      const ask = () => fetch(`http://127.0.0.1:${port}/v1/messages`, { method: "POST", headers, body });
      const until = Date.now() + 60_000;
      for (;;) {
        const answer = await ask().catch(() => undefined);
        if (answer?.ok) break;
        assert.ok(Date.now() < until, `no answer within a minute: ${answer && (await answer.text())}`);
        await new Promise((done) => setTimeout(done, 200));
      }
    } finally {
      router.kill();
    }
  },
};

await checks[check]();
process.exit(0);
