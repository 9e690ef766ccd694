"""Three loops that train one network on the same pictures: `native`'s, a bare one, one that reads files."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

from domain.kinds import Split
from strategies.base import VisionData
from strategies.vision.learner import new_learner
from strategies.vision.loop import Course, Position, train_pass
from strategies.vision.native import Native
from strategies.vision.pace import Pace
from strategies.vision.pixels import Pixels, read_pixels
from strategies.vision.training import course_of


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def speed(loop: Callable[[], int]) -> float:
    began = cpu_seconds()
    return loop() / (cpu_seconds() - began)


class Loops:
    """The three loops over the same images with the same network and optimiser."""

    def __init__(self, data: VisionData, network: str) -> None:
        self.strategy = Native()
        self.config = self.strategy.Hyperparameters(network=network, epochs=10)
        self.data = data
        self.start = self.strategy.start(self.config, data)
        self.design = self.strategy.design(self.start, self.config, data)
        self.pixels: Pixels = read_pixels(data, Split.TRAIN, "cpu")
        self.course: Course = course_of(self.config, self.start.state, self.pixels, len(data.classes))
        self.batch = Pace.begin(self.config, len(self.pixels), {}).batch
        torch.set_flush_denormal(True)

    def ours(self) -> int:
        learner = new_learner(self.design.build(), self.config, self.start.tensors, "cpu")
        pace = Pace.begin(self.config, len(self.pixels), {})
        return train_pass(learner, self.pixels, self.course, pace, Position())[0].step * self.batch

    def bare(self) -> int:
        """As short as one can write it: no augmentation, no schedule, no average."""
        network = self.design.build().to(memory_format=torch.channels_last).train()
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True)
        images, labels = self.pixels.resident, self.pixels.labels
        assert images is not None
        order = torch.randperm(len(images))
        mean, deviation = self.course.mean, self.course.deviation
        n_steps = len(images) // self.batch
        for step in range(n_steps):
            at = order[step * self.batch : (step + 1) * self.batch]
            batch = ((images[at].float() - mean) / deviation).permute(0, 3, 1, 2)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.course.bf16):
                logits = network(batch)
            optimiser.zero_grad()
            functional.cross_entropy(logits.float(), labels[at], label_smoothing=0.1).backward()
            optimiser.step()
        return n_steps * self.batch

    def files(self, folder: Path, same_arithmetic: bool) -> int:
        """torchvision's ImageFolder and a DataLoader of two processes, as its tutorials write it."""
        from torch.utils.data import DataLoader
        from torchvision import transforms
        from torchvision.datasets import ImageFolder

        mean, deviation = (self.course.mean / 255).tolist(), (self.course.deviation / 255).tolist()
        size = self.pixels.size
        steps = [transforms.Grayscale()] if self.pixels.channels == 1 else []
        steps += [transforms.Resize((size, size)), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
        dataset = ImageFolder(
            str(folder), transforms.Compose([*steps, transforms.Normalize(mean, deviation)])
        )
        loader = DataLoader(dataset, self.batch, shuffle=True, num_workers=2, drop_last=True)
        network = self.design.build().train()
        if same_arithmetic:
            network = network.to(memory_format=torch.channels_last)
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True)
        for images, labels in loader:
            batch = images.contiguous(memory_format=torch.channels_last) if same_arithmetic else images
            with torch.autocast("cpu", torch.bfloat16, enabled=same_arithmetic and self.course.bf16):
                logits = network(batch)
            optimiser.zero_grad()
            functional.cross_entropy(logits.float(), labels, label_smoothing=0.1).backward()
            optimiser.step()
        return len(loader) * self.batch
