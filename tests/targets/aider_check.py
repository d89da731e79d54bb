"""Registers aider's model settings from a file and sends a request as aider does.

Usage: aider_check.py SETTINGS MODEL ; the upstream is OPENROUTER_API_BASE.
"""

import sys

from aider import models

settings, name = sys.argv[1:]
assert models.register_models([settings]) == [settings]
model = models.Model(f"openrouter/{name}")
assert model.extra_params["extra_body"]["provider"], model.extra_params
_, answer = model.send_completion([{"role": "user", "content": "hello"}], None, stream=False)
assert answer.choices[0].message.content == "hello", answer
