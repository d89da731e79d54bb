curl --fail-with-body https://openrouter.ai/api/v1/chat/completions \
  -H "Authorization: Bearer $OPENROUTER_API_KEY" \
  -H 'Content-Type: application/json' \
  --data @- <<'JSON'
{
  "messages": [
    {
      "content": "Say hello.",
      "role": "user"
    }
  ],
  "model": "zephyr/quill-large",
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
  },
  "session_id": "one-for-each-conversation"
}
JSON
