#!/usr/bin/env python3
"""Writes `tales.txt` from the grammar below, and `tokenizer.json`: byte-level BPE trained on it.

A blank line ends a tale, and is the end-of-text token. Needs the `tokenizers` package; the same files every time.
"""
import random
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).resolve().parent
BYTES, VOCABULARY = 200_000, 512
END = "\n\n"

# A fixed cast: a reader of the first sentence knows who "she" is in the last.
CAST = [("Mina", "duck", "she"), ("Clara", "hare", "she"), ("Hazel", "squirrel", "she"), ("Nora", "mouse", "she"),
        ("Bruno", "bear", "he"), ("Felix", "fox", "he"), ("Moss", "frog", "he"), ("Theo", "badger", "he")]
WORDS = dict(
    nature=["small", "brave", "shy", "merry", "sleepy", "clever", "kind", "young"],
    home=["by the river", "near the old mill", "under a tall oak", "on a green hill", "at the edge of the forest",
          "beside a quiet lake", "behind the garden wall"],
    loved=["to sing in the rain", "to count the stars", "to bake bread", "to swim in the morning", "to climb the rocks",
           "to sleep in the sun", "to tell long stories"],
    day=["One spring morning", "One warm afternoon", "One cold evening", "One day in summer", "One autumn day",
         "On the first day of winter"],
    thing=["hat", "kite", "spoon", "key", "lamp", "drum"],
    food=["pear", "honey cake", "bun", "basket of nuts"],
    plant=["pumpkin", "rose", "cherry tree", "bean", "sunflower"],
    place=["under the bed", "behind the door", "in the tall grass", "by the well", "on the roof", "in the hollow tree",
           "down by the bridge"],
    bed=["by the well", "in the garden", "behind the house", "near the gate"],
    noise=["a branch at the window", "an owl in the barn", "the rain on the roof", "a cricket in the wall",
           "the wind in the chimney"],
    built=["a bridge", "a raft", "a ladder", "a little house", "a swing"],
)

OPENINGS = [
    "Once upon a time there was a {nature} {kind} named {name}. {He} lived {home} and loved {loved}.",
    "There once was a {nature} {kind} called {name}, who lived {home}. {name} loved {loved}.",
    "Once a {nature} {kind} named {name} lived {home}. Every day {he} liked {loved}.",
]
PLOTS = [
    ["{day} {name} could not find {his} {thing}. {He} looked {place}, but it was not there. {He} looked {place2}, but it"
     " was not there.",
     'Then {friend} the {kind2} came by. "I saw your {thing}," said {friend}. "The wind took it. It is {place3}!"',
     "They ran and looked {place3}, and there was the {thing}. {name} laughed and gave {friend} a {food}."],
    ["{day} {name} found a {food} {place}. {He} was very hungry, for {he} had not eaten all day.",
     'Then {name} saw {friend} the {kind2}, who looked sad. "I have nothing to eat," said {friend}.',
     '"Then we will share," said {name}. They cut the {food} in two, and it was enough for both.'],
    ["{day} {name} heard a strange noise {place}. {He} was afraid and hid {place2}.",
     'Soon {friend} the {kind2} knocked at the door. "Do not be afraid," said {friend}. "We will look together."',
     "They took a light and looked {place}. It was only {noise}! {name} and {friend} laughed until they cried."],
    ["{day} {name} wanted to make {built}, but the wood was too heavy. {He} pulled and pulled, and then {he} sat down.",
     '"May I help you?" asked {friend} the {kind2}. "Two are stronger than one."',
     "So they worked all day, {name} in front and {friend} behind. In the evening {built} stood there, and it was good."],
    ["{day} {name} planted a seed {bed}. {He} gave it water every day, but nothing came.",
     '"You must wait," said {friend} the {kind2}. "Good things are slow."',
     "So {name} waited. After many days a {plant} grew, and it was taller than {friend}."],
    ["{day} {friend} the {kind2} had a birthday, and {name} had no gift. {He} looked {place} and found only an"
     " old {thing}.",
     "{name} washed it and painted it until it was bright. Then {he} walked to the house of {friend}.",
     '"This {thing} is for you," said {name}. "It is the best gift of all," said {friend}, and gave {name} a {food}.'],
    ["{day} the rain came and did not stop. The water rose, and the home of {friend} the {kind2} was wet.",
     '"Come and live with me," said {name}. "My house is small, but it is dry."',
     "They ate a {food} by the fire and listened to the rain. In the morning the sun was back."],
]
ENDINGS = [
    "From that day on {name} and {friend} were the best of friends.",
    "That night {name} slept well and dreamed of {friend}.",
    "And if you walk there today, you can still see {name} and {friend}.",
    "After that, {name} was never alone again.",
    "And {name} said, \"What a good day it was.\"",
]


def tale(choose: random.Random) -> str:
    slots = {word: choose.choice(choices) for word, choices in WORDS.items()}
    hero, friend = choose.sample(CAST, 2)
    slots["name"], slots["kind"], slots["he"] = hero
    slots["friend"], slots["kind2"], _ = friend
    slots["He"], slots["his"] = slots["he"].capitalize(), {"she": "her", "he": "his"}[slots["he"]]
    slots["place"], slots["place2"], slots["place3"] = choose.sample(WORDS["place"], 3)
    sentences = [choose.choice(OPENINGS), *choose.choice(PLOTS), choose.choice(ENDINGS)]
    return " ".join(sentence.format(**slots) for sentence in sentences)


def tales() -> str:
    choose = random.Random(1)
    text = ""
    while len(text) < BYTES:
        text += tale(choose) + END
    return text


def tokenizer(text: str) -> Tokenizer:
    result = Tokenizer(models.BPE())
    result.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    result.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=[AddedToken(END, special=True)],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    result.train_from_iterator(text.split(END), trainer)
    return result


def main() -> None:
    text = tales()
    (HERE / "tales.txt").write_text(text)
    trained = tokenizer(text)
    trained.save(str(HERE / "tokenizer.json"))
    ids = trained.encode(text).ids
    assert trained.decode(ids, skip_special_tokens=False) == text
    print(f"{len(text)} bytes, {text.count(END)} tales, {len(ids)} tokens of {trained.get_vocab_size()}")


if __name__ == "__main__":
    main()
