// Writes one TypeScript file that checks every JSON text against the published types of its program, and compiles it
// together with the snippets.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [texts, tools, out] = process.argv.slice(2);

const IMPORTS = `import type { ChatRequest$Outbound, ProviderPreferences$Outbound } from "@openrouter/sdk/models";
import type { OpenRouterChatSettings } from "@openrouter/ai-sdk-provider";
import type { GatewayProviderOptions } from "@ai-sdk/gateway";
import type { Config } from "@opencode-ai/sdk/v2";
import type { ProviderSettings } from "@roo-code/types";
// A type that accepts anything would check nothing, so each must reject something.
// @ts-expect-error
export const w0 = { onyl: [] } satisfies ProviderPreferences$Outbound;
// @ts-expect-error
export const w1 = { model: 1, messages: [] } satisfies Pick<ChatRequest$Outbound, "model" | "messages" | "provider">;
// @ts-expect-error
export const w2 = { only: "one" } satisfies OpenRouterChatSettings["provider"];
// @ts-expect-error
export const w3 = { provider: { openrouter: { models: [] } } } satisfies Config;
// @ts-expect-error
export const w4 = { only: "one" } satisfies GatewayProviderOptions;
// @ts-expect-error
export const w5 = { openRouterSpecificProvider: ["one"] } satisfies ProviderSettings;
`;

// The expected type of each text: an expression of the text, and the type.
const RULES = {
  openrouter: [["text.provider", "ProviderPreferences$Outbound"]],
  "openrouter-preset": [["text", 'Pick<ChatRequest$Outbound, "model" | "messages" | "provider">']],
  cline: [["text", 'Pick<ChatRequest$Outbound, "model" | "messages" | "provider">']],
  opencode: [
    ["text", "Config"],
    ["at(text.provider.openrouter.models).options.provider", 'OpenRouterChatSettings["provider"]'],
  ],
  kilo: [["text", "Config"]],
  openclaw: [["at(text.agents.defaults.models).params.provider", "ProviderPreferences$Outbound"]],
  "qwen-code": [["text.modelProviders.openai[0].generationConfig.extra_body.provider", "ProviderPreferences$Outbound"]],
  crush: [["text.providers.openrouter.extra_body.provider", "ProviderPreferences$Outbound"]],
  "vercel-ai-gateway": [["text.providerOptions.gateway", "GatewayProviderOptions"]],
  roo: [["text.providerProfiles.apiConfigs.hitrate", "ProviderSettings"]],
};

// The value under an expression like `at(text.a).b`: `at` takes the only field of an object.
const valueOf = (expression, text) => Function("text", "at", `return ${expression}`)(text, (o) => Object.values(o)[0]);

mkdirSync(out, { recursive: true });
symlinkSync(join(tools, "node_modules"), join(out, "node_modules"));
let source = IMPORTS;
let checked = 0;
const files = ["types.ts"];
for (const name of readdirSync(texts)) {
  for (const file of readdirSync(join(texts, name))) {
    const path = join(texts, name, file);
    if (file.endsWith(".ts")) {
      writeFileSync(join(out, `${name}-${file}`), readFileSync(path));
      files.push(`${name}-${file}`);
    }
    for (const [expression, type] of RULES[file.replace(/\.json$/, "")] ?? []) {
      const value = JSON.stringify(valueOf(expression, JSON.parse(readFileSync(path, "utf8"))));
      source += `export const c${checked} = ${value} satisfies ${type};\n`;
      checked += 1;
    }
  }
}
writeFileSync(join(out, "types.ts"), source);
writeFileSync(join(out, "package.json"), '{"type": "module"}');
const options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--types", "node"];
execFileSync(join(tools, "node_modules/.bin/tsc"), [...options, ...files], { cwd: out, stdio: "inherit" });
console.log(JSON.stringify({ checked, snippets: files.length - 1 }));
