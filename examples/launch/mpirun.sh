#!/bin/sh
# Sixteen ranks on two hosts with Open MPI; MPI itself is not used.
# Change: the model, the text and the folder of the job, which both hosts share.
# Change: -np, which is --dp times --tp, --host with its slots, and MASTER_ADDR, the address of the first of them.
exec mpirun -np 16 --host host-a:8,host-b:8 --map-by slot:PE=4 --bind-to core \
    -x MASTER_ADDR=host-a -x MASTER_PORT=29500 \
    tp train --dp 4 --tp 4 --threads 4 --global-batch 64 --micro-batch 4 --sequence 2048 --steps 2000 \
    --model models/base --data texts/train.txt --save jobs/first --save-every 100 --keep 2 --resume
