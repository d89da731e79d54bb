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
    "ignore": [
      "mirage"
    ]
  },
  "session_id": "one-for-each-conversation"
}
JSON
