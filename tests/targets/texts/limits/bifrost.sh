curl --fail-with-body "$BIFROST_URL/v1/chat/completions" \
  -H 'x-bf-passthrough-extra-params: true' \
  -H 'Content-Type: application/json' \
  --data @- <<'JSON'
{
  "extra_params": {
    "provider": {
      "allow_fallbacks": true,
      "data_collection": "deny",
      "max_price": {
        "completion": "5",
        "prompt": "1"
      },
      "only": [
        "lumen/bf16",
        "quarry"
      ],
      "quantizations": [
        "fp8",
        "bf16"
      ],
      "require_parameters": true,
      "zdr": true
    }
  },
  "messages": [
    {
      "content": "Say hello.",
      "role": "user"
    }
  ],
  "model": "openrouter/zephyr/quill-large"
}
JSON
