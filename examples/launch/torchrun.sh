#!/bin/sh
# Eight ranks on one host. When one of them dies, torchrun starts all of them again, and they go on from the last
# checkpoint.
# Change: the model, the text and the folder of the job.
# Change: --nproc-per-node, which is --dp times --tp.
exec torchrun --standalone --no-python --nproc-per-node 8 --max-restarts 3 \
    tp train --dp 2 --tp 4 --global-batch 64 --micro-batch 4 --sequence 2048 --steps 2000 \
    --model models/base --data texts/train.txt --save jobs/first --save-every 100 --keep 2 --resume
