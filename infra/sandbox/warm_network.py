"""A network of many kinds of layers, as language models write them: it warms the server up."""

CODE = """
import math
from functools import partial
from collections import OrderedDict
from dataclasses import dataclass
import torch
import torch.nn as nn
import torch.nn.functional as F


def drop_path(x, rate, training):
    if rate == 0.0 or not training:
        return x
    keep = 1 - rate
    mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
    return x * mask / keep


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, dropout=0.1, batch_first=True)
        self.qkv = nn.Linear(width, 3 * width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(0.1))
        self.scale = nn.Parameter(torch.full((width,), 1e-2))

    def forward(self, x):
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        b, n, c = x.shape
        q, k, v = self.qkv(y).reshape(b, n, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=0.1 if self.training else 0.0)
        x = x + y.transpose(1, 2).reshape(b, n, c)
        w = torch.einsum("bnc,bmc->bnm", x, x).softmax(dim=-1)
        return x + drop_path(self.scale * self.mlp(w @ x), 0.1, self.training)


@dataclass
class Settings:
    rate: float = 0.1


class Network(nn.Module):
    def __init__(self, num_classes, channels):
        super().__init__()
        self.stem = nn.Sequential(OrderedDict([
            ("conv", nn.Conv2d(channels, 16, 3, padding=1, bias=False)),
            ("norm", nn.BatchNorm2d(16)),
            ("act", nn.ReLU(inplace=True)),
        ]))
        self.depth = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.group = nn.GroupNorm(4, 16)
        self.pool = nn.MaxPool2d(2)
        self.lazy = nn.LazyConv2d(16, 1)
        self.position = nn.Parameter(torch.zeros(1, 64, 16))
        nn.init.trunc_normal_(self.position, std=0.02)
        self.block = Block(16)
        self.head = nn.Linear(16, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, images):
        x = self.stem(images)
        x = F.hardswish(self.group(self.depth(x)))
        x = torch.cat([self.pool(x), F.avg_pool2d(x, 2)], dim=1)
        x = F.silu(self.lazy(x))
        b, c, h, w = x.shape
        x = x.view(b, 2, c // 2, h, w).transpose(1, 2).contiguous().view(b, c, h, w)
        windows = x.view(b, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, c)
        n = int(windows.shape[0] / (h * w / 4 / 4))
        x = x + windows.view(n, h // 4, w // 4, 4, 4, -1).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)
        x = x * (x.numel() / x.detach().abs().sum().clamp(min=1.0))
        x = F.interpolate(x, size=(8, 8), mode="bilinear", align_corners=False)
        x = x * torch.sigmoid(F.adaptive_avg_pool2d(x, 1))
        x = x.flatten(2).transpose(1, 2) + self.position
        return self.head(F.dropout(self.block(x).mean(dim=1), 0.1, self.training))


def build_model(num_classes, channels, size):
    return Network(num_classes, channels)
"""
