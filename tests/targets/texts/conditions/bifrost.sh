curl --fail-with-body "$BIFROST_URL/v1/chat/completions" \
  -H 'x-bf-passthrough-extra-params: true' \
  -H 'Content-Type: application/json' \
  --data @- <<'JSON'
{
  "extra_params": {
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
  },
  "messages": [
    {
      "content": "Say hello.",
      "role": "user"
    }
  ],
  "model": "openrouter/x-ai/grok-4.7"
}
JSON
