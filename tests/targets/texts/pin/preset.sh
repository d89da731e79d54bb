curl --fail-with-body https://openrouter.ai/api/v1/presets/hitrate-zephyr-quill-large-pin-7270b7/chat/completions \
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
  "model": "zephyr/quill-large",
  "provider": {
    "only": [
      "lumen/bf16"
    ]
  }
}
JSON
