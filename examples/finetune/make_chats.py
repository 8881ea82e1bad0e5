#!/usr/bin/env python3
"""Writes `chats.jsonl` and `held-out.jsonl`: what animals say and where they live, asked in different words."""
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
ANIMALS = {"dog": ("woof", "house"), "cat": ("meow", "house"), "cow": ("moo", "farm"), "duck": ("quack", "pond"),
           "pig": ("oink", "farm"), "frog": ("croak", "pond"), "bee": ("buzz", "garden"), "owl": ("hoo", "tree"),
           "lion": ("roar", "sun"), "mouse": ("squeak", "hole"), "sheep": ("baa", "farm"), "bird": ("tweet", "tree")}
SAYS = ["What does the {} say?", "What sound does a {} make?", "Tell me what the {} says.", "Which sound does the {} make?"]
LIVES = ["Where does the {} live?", "Where can I find a {}?", "Tell me where the {} lives.", "In which place does the {} live?"]


def rows(say: list[str], live: list[str]) -> list[dict]:
    rows = []
    for animal, (sound, place) in ANIMALS.items():
        turns = [(question.format(animal), f"The {animal} says {sound}.") for question in say]
        turns += [(question.format(animal), f"The {animal} lives in the {place}.") for question in live]
        rows += [dict(messages=[dict(role="user", content=question), dict(role="assistant", content=answer)])
                 for question, answer in turns]
    return rows


def write(name: str, rows: list[dict]) -> None:
    (HERE / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


write("chats.jsonl", rows(SAYS[:3], LIVES[:3]))
write("held-out.jsonl", rows(SAYS[3:], LIVES[3:]))
