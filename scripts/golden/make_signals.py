"""Golden answers of scipy, numpy and filterpy for the signal stages, for test/golden/signal.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install -r scripts/golden/requirements-make.txt
    /tmp/golden/bin/python scripts/golden/make_signals.py

Inputs stand beside the answers, so that the tests need no generator.
"""
import json
import pathlib

import numpy as np
import scipy.signal
import scipy.stats
from filterpy.common import Q_continuous_white_noise
from filterpy.kalman import KalmanFilter

out = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "signal"
random = np.random.default_rng(20261121)


def plain(values):
    return [float(f"{v:.15g}") for v in np.asarray(values, dtype=float)]


def write(name, cases):
    (out / f"{name}.json").write_text(json.dumps(cases) + "\n")


def savgol():
    """Weights at the newest point, and a noisy signal filtered with them."""
    cases = []
    for window, order, derivative in [(5, 2, 0), (11, 3, 0), (21, 5, 0), (7, 2, 1), (9, 4, 2)]:
        delta = 0.5
        weights = scipy.signal.savgol_coeffs(
            window, order, deriv=derivative, delta=delta, pos=window - 1, use="dot"
        )
        signal = plain(np.sin(np.arange(60) / 5) + random.normal(0, 0.1, 60))
        filtered = [float(np.dot(weights, signal[i - window + 1 : i + 1])) for i in range(window - 1, 60)]
        centred = scipy.signal.savgol_filter(signal, window, order, deriv=derivative, delta=delta, mode="interp")
        cases.append(
            dict(window=window, order=order, derivative=derivative, delta=delta, input=signal,
                 causal=plain(filtered), centred=plain(centred))
        )
    write("savgol", cases)


def hampel():
    """Window that looks back; median and normal-scaled MAD by scipy."""
    cases = []
    for window, sigmas in [(5, 3), (7, 3), (7, 2), (12, 3)]:
        signal = np.cumsum(random.normal(0, 0.2, 80))
        for at in (10, 33, 34, 60):
            signal[at] += random.choice([-1, 1]) * random.uniform(3, 9)
        signal = plain(signal)
        answer = []
        for i, value in enumerate(signal):
            seen = np.array(signal[max(0, i - window + 1) : i + 1])
            median = np.median(seen)
            mad = scipy.stats.median_abs_deviation(seen, scale="normal")
            spike = len(seen) >= 3 and abs(value - median) > sigmas * mad
            answer.append(float(median) if spike else value)
        cases.append(dict(window=window, sigmas=sigmas, input=signal, output=plain(answer)))
    write("hampel", cases)


def kalman():
    cases = []
    times = np.round(np.cumsum(random.uniform(0.2, 3.0, 50)), 6)
    truth = 3 + 0.7 * times + np.sin(times)
    signal = truth + random.normal(0, 0.5, 50)
    for model, process, measurement in [("level", 0.4, 0.5), ("velocity", 0.3, 0.5)]:
        size = 1 if model == "level" else 2
        kf = KalmanFilter(dim_x=size, dim_z=1)
        kf.x = np.zeros((size, 1))
        kf.x[0, 0] = signal[0]
        kf.H = np.zeros((1, size))
        kf.H[0, 0] = 1
        kf.R *= measurement**2
        kf.P = np.diag([measurement**2, measurement**2 * 1e6][:size])
        levels, speeds = [signal[0]], [0.0]
        for before, now, value in zip(times, times[1:], signal[1:]):
            dt = now - before
            kf.F = np.array([[1.0]]) if size == 1 else np.array([[1, dt], [0, 1.0]])
            kf.Q = (
                np.array([[process**2 * dt]])
                if size == 1
                else Q_continuous_white_noise(2, dt=dt, spectral_density=process**2)
            )
            kf.predict()
            kf.update(value)
            levels.append(float(kf.x[0, 0]))
            speeds.append(float(kf.x[1, 0]) if size == 2 else 0.0)
        cases.append(
            dict(model=model, process_noise=process, measurement_noise=measurement, times=plain(times),
                 input=plain(signal), level=plain(levels), velocity=plain(speeds))
        )
    write("kalman", cases)


def vibration():
    """Blocks of a bearing-like signal: mean removed, periodic Hann, one-sided density times the width of a bin."""
    cases = []
    rate = 3200.0
    for size in (256, 1024):
        t = np.arange(size) / rate
        signal = 0.3 + np.sin(2 * np.pi * 50 * t) + 0.4 * np.sin(2 * np.pi * 410 * t) + random.normal(0, 0.2, size)
        signal = np.round(signal, 6)
        centred = signal - signal.mean()
        frequency, density = scipy.signal.periodogram(
            signal, fs=rate, window="hann", detrend="constant", scaling="density"
        )
        bands = [[10, 100], [100, 1000], [0, 1600]]
        powers = []
        for low, high in bands:
            inside = (frequency >= low) & (frequency < high if high < rate / 2 else frequency <= high)
            powers.append(float(density[inside].sum() * rate / size))
        cases.append(
            dict(sample_rate=rate, block=size, input=[float(v) for v in signal], bands=bands, powers=plain(powers),
                 mean=float(signal.mean()), rms=float(np.sqrt(np.mean(centred**2))),
                 peak=float(np.max(np.abs(centred))),
                 crest=float(np.max(np.abs(centred)) / np.sqrt(np.mean(centred**2))),
                 kurtosis=float(scipy.stats.kurtosis(signal, fisher=False)),
                 peak_hz=float(frequency[np.argmax(density)]))
        )
    write("vibration", cases)


savgol()
hampel()
kalman()
vibration()
