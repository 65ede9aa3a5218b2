"""What every peer speaks: a line "run ARGUMENTS" comes in, one line of JSON with the seconds of the timed piece goes out."""
import json
import sys
import time


def serve(piece, ready=None):
    """Answers until standard input ends. `piece(*arguments)` times itself and gives a dictionary with "seconds"."""
    print(json.dumps(ready or {}), flush=True)
    for line in sys.stdin:
        print(json.dumps(piece(*line.split()[1:])), flush=True)


def timed(work, once=False, least=0.15):
    """Seconds of one call: of a single one, or the mean of as many as fill a short while."""
    calls, start = 0, time.perf_counter()
    while True:
        work()
        calls += 1
        elapsed = time.perf_counter() - start
        if once or elapsed >= least:
            return elapsed / calls


def peak_bytes():
    """The most memory this process has held."""
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def adamw(parameters, **settings):
    """The quickest AdamW that this PyTorch has for a CPU."""
    from torch.optim import AdamW

    try:
        return AdamW(parameters, fused=True, **settings)
    except (RuntimeError, TypeError):
        return AdamW(parameters, **settings)
