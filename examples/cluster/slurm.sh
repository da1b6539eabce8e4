#!/usr/bin/env bash
# Trains on two nodes with all their GPUs, a process a node:  sbatch examples/cluster/slurm.sh mnist --minutes 60
# What follows the script's name are the options of tfgan train. RUN is the run folder, on a disk that outlives the job;
# the same command goes on with a run that was cut off.
#SBATCH --job-name=tfgan
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=tfgan-%j.log
set -euo pipefail

# --signal and scancel reach all processes: they stop after the same step, the chief saves, and all end with 130.
srun --kill-on-bad-exit=1 \
  tfgan train "$@" --out "${RUN:-artifacts/slurm}" --strategy multiworker --cluster slurm
