"""What numeric programs do: compiled extensions, a BLAS with its own threads, memory shared with a file."""

import tempfile
import threading

import numpy as np


def algebra():
    random = np.random.default_rng(1)
    a = random.random((600, 600))
    b = a @ a.T + np.eye(600)
    x = np.linalg.solve(b, np.ones(600))
    values = np.linalg.eigvalsh(b)
    print("algebra:", np.allclose(b @ x, 1), values[0] > 0, np.allclose(np.prod(np.linalg.svd(np.diag([2.0, 3, 7]))[1]), 42))


def threads():
    answers = [0.0] * 4

    def multiply(i):
        m = np.full((300, 300), float(i + 1))
        answers[i] = (m @ m)[0, 0]

    started = [threading.Thread(target=multiply, args=(i,)) for i in range(4)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    print("threads:", *map(int, answers))


def signals():
    t = np.arange(4096) / 4096
    spectrum = np.abs(np.fft.rfft(np.sin(2 * np.pi * 50 * t)))
    print("fft:", int(spectrum.argmax()))


def mapped():
    with tempfile.NamedTemporaryFile() as f:
        array = np.memmap(f.name, dtype="int64", mode="w+", shape=(1000,))
        array[:] = np.arange(1000)
        array.flush()
        print("memmap:", int(np.fromfile(f.name, dtype="int64").sum()))


if __name__ == "__main__":
    algebra()
    threads()
    signals()
    mapped()
