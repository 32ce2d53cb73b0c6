# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a profile was learned the way the chosen device would watch.  No Qt here."""

from __future__ import annotations

from imsafe.gui.device import Device, KernelDevice, SensorDevice
from imsafe.profile.glance import Glance

_KERNEL, _PTRACE = "kernel", "ptrace"


def mode_difference(profile: Glance, device: Device | None) -> str:
    """How they differ, in a sentence; empty where they do not, or nothing is known.

    A trace that is replayed says itself how it was recorded; the monitor
    compares that when it reads it.
    """
    tracers = {tracer.partition("-")[0] for tracer, _ in profile.modes}
    learned = tracers & {_KERNEL, _PTRACE}
    if isinstance(device, KernelDevice):
        watched, words = _KERNEL, "the driver"
    elif isinstance(device, SensorDevice):
        watched, words = _PTRACE, "a sensor"
    else:
        return ""
    if learned and watched not in learned:
        other = "a sensor" if watched == _KERNEL else "the driver"
        return (
            f"It was learned with {other}, and the device is {words}: calls that only one of them"
            " sees will surprise. Better learn with the same."
        )
    followed = {follow for _, follow in profile.modes} - {None}
    if isinstance(device, KernelDevice) and followed == {not device.request.follow_exec}:
        ways = {True: "with execve traced", False: "without execve traced"}
        return (
            f"It was learned {ways[not device.request.follow_exec]}, and the device watches"
            f" {ways[device.request.follow_exec]}: change that in the device, or learn again."
        )
    full = {tracer for tracer, _ in profile.modes if tracer.startswith(_PTRACE)} == {"ptrace-full"}
    program = device.program if isinstance(device, SensorDevice) else None
    if program is not None and program.argv and learned == {_PTRACE} and full != program.full:
        return (
            "It was learned with all calls, also those that the program's own filter denies, and"
            " the sensor leaves them out: tick that in the device."
            if full
            else "It was learned without the calls that the program's own filter denies, and the"
            " sensor sees them: untick that in the device, or learn again."
        )
    return ""
