curl --fail-with-body https://openrouter.ai/api/v1/presets/hitrate-x-ai-grok-4-7-shortlist-ca347d/chat/completions \
  -H "Authorization: Bearer $OPENROUTER_API_KEY" \
  -H 'Content-Type: application/json' \
  --data @- <<'JSON'
{
  "messages": [
    {
      "content": "not kept",
      "role": "user"
    }
  ],
  "model": "x-ai/grok-4.7",
  "provider": {
    "allow_fallbacks": true,
    "only": [
      "deepinfra/fp8",
      "novita/fp8"
    ],
    "quantizations": [
      "int8",
      "fp8",
      "mxfp8",
      "fp16",
      "bf16",
      "fp32"
    ],
    "require_parameters": true
  }
}
JSON
