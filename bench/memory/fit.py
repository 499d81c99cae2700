#!/usr/bin/env python3
"""Fits the weights of recall to development conversations, and says how well they do on others.

    cargo run --release -p backstay-evaluation --example features -- FILE FOLDER > dialogue.jsonl
    python3 bench/memory/fit.py --dialogue dialogue.jsonl --assistant assistant.jsonl
    python3 bench/memory/fit.py … --write          replaces crates/memory/src/recall/weights.rs

FILE is a data set (LoCoMo for `--dialogue`, BEAM for `--assistant`), FOLDER holds the weights of the embedding model
(`backstay doctor` names it). Needs numpy and scipy.

The model is linear. Its loss is listwise: minus the logarithm of the share that the softmax of the sums gives to the
evidence, with an L2 penalty (Cao et al., "Learning to Rank", 2007). Every figure printed is of conversations that the
weights were not fitted to: each conversation in turn is left out. Only what is written is fitted to all of them.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re

import numpy
from scipy.optimize import minimize

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "crates/memory/src/recall"
DEPTHS = (5, 10, 20, 50)
FIT_TURNS = 150
"""Turns of a question that the loss is taken over: the best by a rough sum, and the evidence."""

WORDS = ["own_words", "near_words", "wide_words", "session_words"]
MEANING = ["meaning", "near_meaning", "session_meaning"]
ASSISTANT_MEANING = ["meaning", "opening_meaning", "session_meaning"]
"""Between long turns a mean of vectors says little, and matches of single words help no question."""
TOKENS = ["token_match", "near_token_match", "session_token_match"]
DIALOGUE = [
    "speaker_named", "named_speaks_of_self", "speaks_to_named", "date_named", "time_spoken_of", "denies_for_denial",
    "linked", "asks", "ends_asking", "answers_question", "length", "first_person", "second_person", "has_time",
    "time_for_time", "has_names", "opens",
]
ASSISTANT = [
    "date_named", "long_length", "said_by_user", "closes", "preference_for_request", "states_instruction", "recency",
]
SAFE = ["speaker_named", "date_named", "asks", "answers_question", "length", "said_by_user"]
"""For scopes that are neither: only what helps in both kinds of conversation."""
ROUGH = {"own_words": 1.0, "near_words": 1.0, "wide_words": 1.0, "meaning": 0.5, "near_meaning": 0.5, "token_match": 0.5}


class Question:
    """One question: a row of features for each turn, and which rows are evidence."""

    def __init__(self, line: dict, names: list[str]):
        turns = line["turns"]
        self.conversation = line["conversation"]
        self.kind = line["kind"]
        self.gold_count = line["gold"]
        self.rows = numpy.array([[turn.get(name, 0.0) for name in names] for turn in turns], numpy.float32)
        self.gold = numpy.array([turn["gold"] for turn in turns], bool)
        rough = self.rows @ numpy.array([ROUGH.get(name, 0.0) for name in names], numpy.float32)
        kept = numpy.zeros(len(turns), bool)
        kept[numpy.argsort(-rough)[:FIT_TURNS]] = True
        self.kept = kept | self.gold


def read(path: str, names: list[str]) -> list[Question]:
    with open(path) as file:
        lines = (json.loads(line) for line in file)
        return [Question(line, names) for line in lines if line["gold"] and line["turns"]]


def fit(questions: list[Question], columns: list[int], penalty: float, weigh=None) -> numpy.ndarray:
    """Weights of the columns."""
    questions = [question for question in questions if question.gold.any()]
    rows = numpy.concatenate([question.rows[question.kept][:, columns] for question in questions])
    counts = [int(question.kept.sum()) for question in questions]
    starts = numpy.cumsum([0, *counts])[:-1]
    segment = numpy.repeat(numpy.arange(len(counts)), counts)
    share = numpy.concatenate([q.gold[q.kept] / q.gold.sum() for q in questions]).astype(numpy.float32)
    each = numpy.array([1.0 if weigh is None else weigh(q) for q in questions], numpy.float32)
    total = each.sum()

    def loss(weights):
        sums = rows @ weights.astype(numpy.float32)
        highest = numpy.maximum.reduceat(sums, starts)
        powers = numpy.exp(sums - highest[segment])
        norm = numpy.add.reduceat(powers, starts)
        value = ((numpy.log(norm) + highest) * each).sum() - (share * sums * each[segment]).sum()
        slope = rows.T @ ((powers / norm[segment] - share) * each[segment])
        return value / total + penalty * (weights**2).sum(), (slope / total + 2 * penalty * weights).astype(float)

    return minimize(loss, numpy.zeros(len(columns)), jac=True, method="L-BFGS-B", options={"maxiter": 400}).x


def recalls(question: Question, sums: numpy.ndarray) -> list[float]:
    order = numpy.argsort(-sums, kind="stable")
    return [100.0 * question.gold[order[:depth]].sum() / question.gold_count for depth in DEPTHS]


def cross_validate(title, questions, names, features, penalty, others=(), weigh=None):
    """Leaves each conversation out once; prints and returns recall of every question."""
    columns = [names.index(name) for name in features]
    found, kinds = [], []
    for left_out in sorted({question.conversation for question in questions}):
        rest = [question for question in questions if question.conversation != left_out] + list(others)
        weights = fit(rest, columns, penalty, weigh)
        for question in questions:
            if question.conversation == left_out:
                found.append(recalls(question, question.rows[:, columns] @ weights))
                kinds.append(question.kind)
    found, kinds = numpy.array(found), numpy.array(kinds)
    random = numpy.random.default_rng(1)
    draws = found[random.integers(0, len(found), (2000, len(found))), 1].mean(1)
    low, high = numpy.percentile(draws, [2.5, 97.5])
    by_depth = "  ".join(f"@{depth} {value:.1f}" for depth, value in zip(DEPTHS, found.mean(0)))
    by_kind = "  ".join(f"{kind} {found[kinds == kind, 1].mean():.1f}" for kind in sorted(set(kinds)))
    print(f"{title:34} {by_depth}  @10 in [{low:.1f}, {high:.1f}] | {by_kind}", flush=True)
    return found


def feature_names() -> list[str]:
    return re.findall(r'^    \w+ "(\w+)",$', (SOURCE / "features.rs").read_text(), re.M)


def written(sets: dict[str, dict[str, float]], names: list[str]) -> str:
    text = "//! Fitted weights, in the order of the features. Written by `bench/memory/fit.py`.\n\nuse super::Features;\n"
    for name, weights in sets.items():
        rows = "".join(f"    {weights.get(feature, 0.0):.3f},\n" for feature in names)
        text += f"\npub(super) const {name}: Features = Features::new([\n{rows}]);\n"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--dialogue", required=True, help="features of LoCoMo, with vectors and token states")
    parser.add_argument("--assistant", required=True, help="features of BEAM, with vectors and token states")
    parser.add_argument("--penalty", type=float, default=2e-3)
    parser.add_argument("--assistant-penalty", type=float, default=5e-3)
    parser.add_argument("--ablate", action="store_true", help="also without each feature")
    parser.add_argument("--write", action="store_true", help="replace the weights in the source")
    options = parser.parse_args()
    names = feature_names()
    people, chats = read(options.dialogue, names), read(options.assistant, names)
    # Both kinds count the same for the weights that serve both.
    share = {id(question): 1.0 / len(part) for part in (people, chats) for question in part}
    sets = {}
    for mode, evidence in (("WORDS", WORDS), ("VECTORS", WORDS + MEANING), ("TOKENS", WORDS + MEANING + TOKENS)):
        for profile, questions, others, features, penalty in (
            ("DIALOGUE", people, [], evidence + DIALOGUE, options.penalty),
            ("ASSISTANT", chats, [], WORDS + ([] if mode == "WORDS" else ASSISTANT_MEANING) + ASSISTANT,
             options.assistant_penalty),
            ("SAFE", people, chats, evidence + SAFE, options.penalty),
        ):
            weigh = (lambda question: share[id(question)]) if others else None
            title = f"{profile.lower()}, {mode.lower()}"
            cross_validate(title, questions, names, features, penalty, others, weigh)
            if others:
                cross_validate(f"{title}, on assistant", chats, names, features, penalty, people, weigh)
            if options.ablate and not others:
                for left_out in features:
                    rest = [feature for feature in features if feature != left_out]
                    cross_validate(f"  without {left_out}", questions, names, rest, penalty)
            weights = fit(questions + others, [names.index(name) for name in features], penalty, weigh)
            sets[f"{profile}_{mode}"] = dict(zip(features, weights))
    if options.write:
        (SOURCE / "weights.rs").write_text(written(sets, names))


if __name__ == "__main__":
    main()
