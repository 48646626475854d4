"""Prints the fenced blocks of one language of a Markdown page, in order: blocks.py PAGE LANGUAGE"""

import re
import sys

page, language = sys.argv[1:]
with open(page, encoding="utf-8") as file:
    blocks = re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", file.read(), re.M | re.S)
if not blocks:
    sys.exit(f"{page} has no block of {language}")
print("\n".join(blocks))
