curl --fail-with-body "$BIFROST_URL/v1/chat/completions" \
  -H 'x-bf-passthrough-extra-params: true' \
  -H 'Content-Type: application/json' \
  --data @- <<'JSON'
{
  "extra_params": {
    "provider": {
      "allow_fallbacks": true,
      "only": [
        "lumen/bf16",
        "quarry",
        "north-cloud/us-east"
      ]
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
