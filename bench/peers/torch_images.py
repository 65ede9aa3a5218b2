"""PyTorch: convolutions, and the U-Net of DDPM. Arguments: conv|unet threads. Runs: forward|both N C F kernel side, or step|draw."""
import math
import sys

import torch
from torch import nn
from torch.nn import functional as F

from protocol import adamw, serve, timed

WIDTHS, BLOCKS, ATTENDS, GROUPS, BATCH, SIDE = (64, 128, 256), 2, (False, True, False), 32, 16, 32
work = sys.argv[1]
torch.set_num_threads(int(sys.argv[2]))
torch.manual_seed(1)


class Residual(nn.Module):
    def __init__(self, inputs, outputs, time):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(time, outputs)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, time):
        y = self.conv1(F.silu(self.norm1(x))) + self.time(F.silu(time))[:, :, None, None]
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(y)))


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm, self.qkv, self.out = nn.GroupNorm(GROUPS, channels), nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x).view(b, c, h * w).transpose(1, 2)).split(c, dim=2)
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        else:
            y = F.softmax(q @ k.transpose(1, 2) * (1 / math.sqrt(c)), dim=-1) @ v
        return x + self.out(y).transpose(1, 2).reshape(b, c, h, w)


class Level(nn.Module):
    """Residual blocks, each with attention where the level has it."""

    def __init__(self, inputs, width, time, attends):
        super().__init__()
        self.blocks = nn.ModuleList(Residual(i, width, time) for i in inputs)
        self.attention = nn.ModuleList(Attention(width) if attends else nn.Identity() for _ in inputs)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        first, last, time = WIDTHS[0], WIDTHS[-1], 4 * WIDTHS[0]
        self.time1, self.time2 = nn.Linear(first, time), nn.Linear(time, time)
        self.first, self.down, self.halve, self.up, self.grow = nn.Conv2d(3, first, 3, padding=1), nn.ModuleList(), nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        widths, x = [first], first
        for i, width in enumerate(WIDTHS):
            self.down.append(Level([x] + [width] * (BLOCKS - 1), width, time, ATTENDS[i]))
            widths, x = widths + [width] * BLOCKS, width
            if i < len(WIDTHS) - 1:
                self.halve.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                widths.append(width)
        self.middle1, self.middle2, self.attention = Residual(last, last, time), Residual(last, last, time), Attention(last)
        for i, width in reversed(list(enumerate(WIDTHS))):
            inputs = []
            for _ in range(BLOCKS + 1):
                inputs, x = inputs + [x + widths.pop()], width
            self.up.append(Level(inputs, width, time, ATTENDS[i]))
            if i > 0:
                self.grow.append(nn.Conv2d(width, width, 3, padding=1))
        self.norm, self.last = nn.GroupNorm(GROUPS, first), nn.Conv2d(first, 3, 3, padding=1)

    def forward(self, x, times):
        half = WIDTHS[0] // 2
        angles = times[:, None] * torch.exp(-math.log(10000) / half * torch.arange(half))
        time = self.time2(F.silu(self.time1(torch.cat([angles.cos(), angles.sin()], dim=1))))
        x = self.first(x)
        skips = [x]
        for i, level in enumerate(self.down):
            for block, attention in zip(level.blocks, level.attention):
                x = attention(block(x, time))
                skips.append(x)
            if i < len(self.halve):
                x = self.halve[i](x)
                skips.append(x)
        x = self.middle2(self.attention(self.middle1(x, time)), time)
        for i, level in enumerate(self.up):
            for block, attention in zip(level.blocks, level.attention):
                x = attention(block(torch.cat([x, skips.pop()], dim=1), time))
            if i < len(self.grow):
                x = self.grow[i](F.interpolate(x, scale_factor=2))
        return self.last(F.silu(self.norm(x)))


def convolution(mode, batch, channels, filters, kernel, side):
    x, weight = torch.randn(batch, channels, side, side), torch.randn(filters, channels, kernel, kernel)
    if mode == "forward":
        return lambda: F.conv2d(x, weight, padding=kernel // 2)
    x.requires_grad_()
    weight.requires_grad_()
    gradient = torch.randn(batch, filters, side, side)

    def both():
        x.grad = weight.grad = None
        F.conv2d(x, weight, padding=kernel // 2).backward(gradient)

    return both


def serve_convolutions():
    pieces = {}

    def run(mode, *shape):
        if (mode, shape) not in pieces:
            pieces.clear()
            pieces[mode, shape] = convolution(mode, *map(int, shape))
            pieces[mode, shape]()
        return {"seconds": timed(pieces[mode, shape])}

    serve(run, {"version": torch.__version__})


def serve_unet():
    model = UNet()
    optimizer = adamw(model.parameters(), lr=3e-4)
    x, noise, times = torch.randn(BATCH, 3, SIDE, SIDE), torch.randn(BATCH, 3, SIDE, SIDE), torch.randint(1000, (BATCH,)).float()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = F.mse_loss(model(x, times), noise)
        loss.backward()
        optimizer.step()
        return loss.item()

    def draw():
        with torch.no_grad():
            model(x, times)

    serve(lambda what: {"seconds": timed(step if what == "step" else draw, once=True)}, {"version": torch.__version__, "parameters": sum(p.numel() for p in model.parameters())})


serve_convolutions() if work == "conv" else serve_unet()
