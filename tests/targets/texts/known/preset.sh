curl --fail-with-body https://openrouter.ai/api/v1/presets/hitrate-z-ai-glm-5-2-avoid-fac298/chat/completions \
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
  "model": "z-ai/glm-5.2",
  "provider": {
    "ignore": [
      "fireworks"
    ]
  }
}
JSON
