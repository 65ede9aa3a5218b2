"""PyTorch: whole training steps of a GPT-2, or AdamW alone. Arguments: step|adamw layers width heads vocabulary context batch length threads."""
import math
import sys

import torch
from torch import nn
from torch.nn import functional as F

from protocol import adamw, peak_bytes, serve, timed

work = sys.argv[1]
LAYERS, WIDTH, HEADS, VOCABULARY, CONTEXT, BATCH, LENGTH, THREADS = (int(a) for a in sys.argv[2:10])
torch.set_num_threads(THREADS)
torch.manual_seed(1)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x, hidden):
        b, t, c = x.shape
        q, k, v = (h.view(b, t, HEADS, c // HEADS).transpose(1, 2) for h in self.attention(self.ln_1(x)).split(c, dim=2))
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = (q @ k.transpose(-2, -1) * (1 / math.sqrt(c // HEADS))).masked_fill(hidden, float("-inf"))
            y = F.softmax(scores, dim=-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.ln_2(x))))


class Gpt2(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks, self.ln_f = nn.ModuleList(Block() for _ in range(LAYERS)), nn.LayerNorm(WIDTH)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids, targets):
        length = ids.shape[1]
        hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
        x = self.wte(ids) + self.wpe(torch.arange(length))
        for block in self.blocks:
            x = block(x, hidden)
        return F.cross_entropy((self.ln_f(x) @ self.wte.weight.t()).view(-1, VOCABULARY), targets.view(-1))


model = Gpt2()
optimizer = adamw(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)
noise = torch.randint(VOCABULARY, (BATCH, LENGTH + 1))
ids, targets = noise[:, :-1].contiguous(), noise[:, 1:].contiguous()


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = model(ids, targets)
    loss.backward()
    optimizer.step()
    return loss.item()


if work == "adamw":
    step()
    serve(lambda: {"seconds": timed(optimizer.step)}, {"version": torch.__version__})
else:
    serve(lambda: {"seconds": timed(step, once=True), "peak_bytes": peak_bytes()}, {"version": torch.__version__})
