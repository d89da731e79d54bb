curl --fail-with-body https://openrouter.ai/api/v1/presets/hitrate-zephyr-quill-id-large-shortlist-56c001/chat/completions \
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
  "model": "zephyr/quill'; \"$(id)\" #large",
  "provider": {
    "only": [
      "lu\"men'/$(id) `id` \\ #{x}\nJSON\n: - & * ! {{ é  ",
      "quarry"
    ]
  }
}
JSON
