#!/bin/sh
# Sixteen ranks on two hosts: run this on both, as `torchrun-two-hosts.sh ADDRESS`, with the address of one of them.
# Models, texts and jobs are folders that both hosts share.
# Change: the model, the text and the folder of the job.
# Change: --nnodes and --nproc-per-node, whose product is --dp times --tp. The --tp ranks of a group are on one host.
exec torchrun --no-python --nnodes 2 --nproc-per-node 8 --max-restarts 3 \
    --rdzv-backend c10d --rdzv-endpoint "$1:29500" --rdzv-id first \
    tp train --dp 4 --tp 4 --global-batch 64 --micro-batch 4 --sequence 2048 --steps 2000 \
    --model models/base --data texts/train.txt --save jobs/first --save-every 100 --keep 2 --resume
