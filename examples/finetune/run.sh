#!/usr/bin/env bash
# A small story teller learns to answer questions: an adapter on 2 x 2 ranks, merged, then the whole model.
# Run from the repository's root, with `tp` built: `./dev finetune` does both.
set -euo pipefail

tp=${1:-target/debug/tp}
here=examples/finetune
run=runs/finetune
say() { printf '==> %s\n' "$*" >&2; }
ask() { # model, further flags
    local model=$1 animal
    shift
    for animal in owl frog; do
        printf 'What does the %s say? ' $animal
        "$tp" generate --model "$model" "$@" --chat --temperature 0 --max-new-tokens 16 --prompt "What does the $animal say?" 2>/dev/null
    done
}

rm -rf $run
mkdir -p $run/model
cp tests/fixtures/stories260k/{config,tokenizer,tokenizer_config}.json tests/fixtures/stories260k/{model.safetensors,LICENSE} $run/model
cp $here/chat_template.jinja $run/model
# It ends a story by beginning another, with token 1.
echo '{ "eos_token_id": [1, 2] }' >$run/model/generation_config.json

say "what it is to learn: brackets are tokens with a label"
"$tp" data $here/chats.jsonl --model $run/model --sequence 128 --pack --show 1
say "what it says before"
ask $run/model
say "an adapter, on 2 x 2 ranks"
"$tp" train $here/lora.toml
say "what it says with the adapter, on two ranks"
ask $run/model --adapter $run/lora/latest --tp 2
say "the same, merged"
"$tp" merge --model $run/model --adapter $run/lora/latest --output $run/merged
ask $run/merged
say "all of its weights, on 2 x 2 ranks"
"$tp" train $here/whole.toml
ask $run/whole/latest
say "a page on the adapter's job"
"$tp" report $run/lora
