curl --fail-with-body https://openrouter.ai/api/v1/presets/hitrate-zephyr-quill-large-shortlist-f448d8/chat/completions \
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
    "allow_fallbacks": true,
    "only": [
      "lumen/bf16",
      "quarry",
      "north-cloud/us-east"
    ]
  }
}
JSON
