# SPDX-License-Identifier: GPL-3.0-or-later
"""File > Connect to driver: which applications the kernel tracer shall follow, and how."""

from __future__ import annotations

from collections import Counter

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QStandardItem, QStandardItemModel
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from imsafe.errors import SourceError
from imsafe.gui.device import (
    AUTO,
    OK,
    TRACER_SOCKET,
    KernelDevice,
    Problem,
    check_driver,
    check_target,
)
from imsafe.gui.fields import PathField, ProblemLine, Proposals, ok_button
from imsafe.gui.lookout import CGROUPS, Lookout, View
from imsafe.gui.settings import Settings
from imsafe.sources.kernel_request import KernelRequest, Target, TargetKind
from imsafe.sources.matching import Running
from imsafe.words import grouped

MOST_SHOWN = 3
MOST_IN_TIP = 30
_TARGET = Qt.ItemDataRole.UserRole
_VALUE = Qt.ItemDataRole.UserRole
_YES, _NO = "yes", "no"


class DriverDialog(QDialog):
    """Device name, applications, trace execve; how many running processes that means.

    Parameters
    ----------
    settings
        Where the last choices are remembered.
    as_root
        Whether to say that the window need not run as root.
    """

    def __init__(
        self, settings: Settings, parent: QWidget | None = None, *, as_root: bool = False
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._request: KernelRequest | None = None
        self._shown: dict[TargetKind, list[tuple[str, str]]] = {}
        self.setWindowTitle(self.tr("Connect to driver"))
        self._kinds: dict[TargetKind, str] = {
            "name": self.tr("Name"),
            "path": self.tr("Path"),
            "pid": self.tr("Process id"),
            "unit": self.tr("systemd unit"),
            "cgroup": self.tr("Control group"),
        }
        self._make_device()
        self._make_fields()
        self._make_list()
        self._make_options()
        self.advice = QLabel(
            self.tr("This window runs as root, and need not: run it as yourself. Only the tracer"
                    " is root, while it starts.")
        )  # fmt: skip
        self.advice.setWordWrap(True)
        self.advice.setVisible(as_root)
        self.problem = ProblemLine()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        ok_button(self.buttons).setText(self.tr("&Connect"))
        self._lay_out()
        self._restore()
        self._connect()
        self._lookout = Lookout(self)
        self._lookout.seen.connect(self._show_running)
        self._kind_changed()
        self._field("name").setFocus()
        self._check()

    # Building

    def _make_device(self) -> None:
        self.device_name = QComboBox()
        self.device_name.setEditable(True)
        self.device_name.addItems([AUTO, TRACER_SOCKET])
        self.device_name.setAccessibleName(self.tr("Device name"))
        self.device_name.setToolTip(
            self.tr("Leave it, unless a tracer listens on a socket of its own")
        )
        self.device_name.setWhatsThis(
            self.tr("auto starts a kernel tracer: you may be asked for a password, since only root"
                    " can do that. A path is the socket of a tracer that runs already, such as the"
                    " one that systemd starts.")
        )  # fmt: skip

    def _make_fields(self) -> None:
        self.kind = QComboBox()
        for kind, text in self._kinds.items():
            self.kind.addItem(text, kind)
        self.kind.setAccessibleName(self.tr("How the application is named"))
        self.kind.setToolTip(self.tr("By what the application is known"))
        name, pid, unit = QLineEdit(), QLineEdit(), QLineEdit()
        name.setPlaceholderText(self.tr("program, such as nginx or in.ftpd"))
        pid.setPlaceholderText(self.tr("number of a running process"))
        unit.setPlaceholderText(self.tr("such as nginx.service"))
        self.path = PathField(self._settings, "program", "open", self.tr("Program to trace"))
        self.path.edit.setPlaceholderText("/usr/sbin/nginx")
        self.cgroup = PathField(self._settings, "cgroup", "folder", self.tr("Control group"))
        self.cgroup.edit.setPlaceholderText(f"{CGROUPS}/...")
        self._pages: dict[TargetKind, QWidget] = {
            "name": name, "path": self.path, "pid": pid, "unit": unit, "cgroup": self.cgroup,
        }  # fmt: skip
        self._edits: dict[TargetKind, QLineEdit] = {
            "name": name, "path": self.path.edit, "pid": pid, "unit": unit,
            "cgroup": self.cgroup.edit,
        }  # fmt: skip
        self._stack = QStackedWidget()
        for kind, edit in self._edits.items():
            edit.setAccessibleName(f"{self.tr('Application to trace')}: {self._kinds[kind]}")
            edit.setToolTip(self.tr("Type; what runs now is proposed"))
            edit.setWhatsThis(self._explained(kind))
            Proposals(QStandardItemModel(self), edit).setCompletionRole(_VALUE)
            self._stack.addWidget(self._pages[kind])
        self._stack.setSizePolicy(
            self._stack.sizePolicy().horizontalPolicy(), name.sizePolicy().verticalPolicy()
        )
        self.add = QPushButton(self.tr("&Add"))
        self.add.setAutoDefault(False)
        self.add.setToolTip(self.tr("Trace this too, and name another one"))

    def _explained(self, kind: TargetKind) -> str:
        return {
            "name": self.tr("The base name of the program or script, also of one that has not"
                            " started yet; all its processes are traced, and their children."),
            "path": self.tr("The full path of the program."),
            "pid": self.tr("A process that runs already, with its threads and children."),
            "unit": self.tr("All processes of a service, whatever program they run."),
            "cgroup": self.tr("All processes below a folder of /sys/fs/cgroup, such as those of a"
                              " container."),
        }[kind]  # fmt: skip

    def _make_list(self) -> None:
        self.targets = QListWidget()
        self.targets.setAccessibleName(self.tr("Applications to trace"))
        self.targets.setMaximumHeight(5 * self.fontMetrics().lineSpacing() + 8)
        self.targets.setToolTip(self.tr("These are traced, and what stands in the field above"))
        self.remove = QPushButton(self.tr("&Remove"))
        self.remove.setAutoDefault(False)
        self.remove.setToolTip(self.tr("Take the selected application from the list"))
        self.count = QLabel()
        self.count.setWordWrap(True)
        self.count.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.count.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.count.setAccessibleName(self.tr("Running processes that match"))

    def _make_options(self) -> None:
        self.execve = QCheckBox(self.tr("Trace &execve: go on after a program calls execve"))
        self.execve.setChecked(True)
        self.execve.setToolTip(
            self.tr("An exploit most often ends in execve: keep this on, unless you know better")
        )
        self.execve.setWhatsThis(
            self.tr("On: a traced process stays in its application whatever program it loads. Off:"
                    " it leaves, unless the new program is named here as well.")
        )  # fmt: skip
        self.not_yet = QCheckBox(self.tr("Only processes not &yet started"))
        self.not_yet.setToolTip(self.tr("Leave alone what runs already"))
        self.not_yet.setWhatsThis(
            self.tr("Each process is then traced from its very first call on.")
        )

    def _lay_out(self) -> None:
        name_label = QLabel(self.tr("&Device name:"))
        name_label.setBuddy(self.device_name)
        device = QFormLayout()
        device.addRow(name_label, self.device_name)
        field = QHBoxLayout()
        field.addWidget(self.kind)
        field.addWidget(self._stack, 1)
        field.addWidget(self.add)
        inside = QGridLayout()
        inside.addLayout(field, 0, 0, 1, 2)
        inside.addWidget(self.targets, 1, 0)
        inside.addWidget(self.remove, 1, 1, Qt.AlignmentFlag.AlignTop)
        inside.addWidget(self.count, 2, 0, 1, 2)
        box = QGroupBox(self.tr("Applications &to trace"))
        box.setLayout(inside)
        layout = QVBoxLayout(self)
        layout.addLayout(device)
        layout.addWidget(box)
        layout.addWidget(self.execve)
        layout.addWidget(self.not_yet)
        layout.addWidget(self.advice)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(580)

    def _connect(self) -> None:
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(self._remove)
        self.kind.currentIndexChanged.connect(self._kind_changed)
        self.device_name.editTextChanged.connect(self._check)
        for edit in self._edits.values():
            edit.textChanged.connect(self._check)
        for box in (self.execve, self.not_yet):
            box.toggled.connect(self._check)
        self.targets.currentRowChanged.connect(self._check)

    # What is remembered

    def _restore(self) -> None:
        settings = self._settings
        self.device_name.setEditText(settings.text("driver/device", AUTO))
        self.execve.setChecked(settings.text("driver/execve", _YES) != _NO)
        self.not_yet.setChecked(settings.text("driver/not-yet-started", _NO) == _YES)
        words = settings.texts("driver/targets")
        try:
            self._show_targets(KernelRequest.from_words(words).targets if words else ())
        except SourceError:  # somebody has edited the file
            return

    def choose(self, request: KernelRequest) -> None:
        """Fill the dialog in, as somebody would who wants this."""
        self.execve.setChecked(request.follow_exec)
        self.not_yet.setChecked(request.not_yet_started)
        self.targets.clear()
        self._show_targets(request.targets)
        self._check()

    def _show_targets(self, targets: tuple[Target, ...]) -> None:
        if len(targets) == 1:
            (target,) = targets
            self.kind.setCurrentIndex(self.kind.findData(target.kind))
            self._field(target.kind).setText(target.value)
        else:
            for target in targets:
                self._list(target)

    def accept(self) -> None:  # noqa: D102
        settings, device = self._settings, self.device()
        # Process numbers mean other processes the next time.
        lasting = [target for target in device.request.targets if target.kind != "pid"]
        words = [f"--{target.kind}={target.value}" for target in lasting]
        settings.set_texts("driver/targets", words)
        settings.set_text("driver/device", device.device)
        settings.set_text("driver/execve", _YES if self.execve.isChecked() else _NO)
        settings.set_text("driver/not-yet-started", _YES if self.not_yet.isChecked() else _NO)
        for field in (self.path, self.cgroup):
            field.remember()
        super().accept()

    def done(self, result: int) -> None:  # noqa: D102
        self._lookout.stop()
        super().done(result)

    # What was chosen

    def _chosen_kind(self) -> TargetKind:
        kind: TargetKind = self.kind.currentData()
        return kind

    def _field(self, kind: TargetKind) -> QLineEdit:
        return self._edits[kind]

    def _typed(self) -> tuple[Target | None, Problem]:
        kind = self._chosen_kind()
        text = self._field(kind).text().strip()
        return check_target(kind, text) if text else (None, OK)

    def _listed(self) -> list[Target]:
        rows = range(self.targets.count())
        items = [item for row in rows if (item := self.targets.item(row)) is not None]
        return [item.data(_TARGET) for item in items]

    def _list(self, target: Target) -> None:
        if target not in self._listed():
            item = QListWidgetItem(f"{self._kinds[target.kind]}: {target.value}")
            item.setData(_TARGET, target)
            self.targets.addItem(item)

    def _add(self) -> None:
        target, _ = self._typed()
        if target is not None:
            self._list(target)
            self._field(target.kind).clear()
        self._field(self._chosen_kind()).setFocus()
        self._check()

    def _remove(self) -> None:
        self.targets.takeItem(self.targets.currentRow())
        self._check()

    def _kind_changed(self) -> None:
        self._stack.setCurrentWidget(self._pages[self._chosen_kind()])
        self._check()

    def _asked(self) -> tuple[KernelRequest | None, Problem]:
        typed, problem = self._typed()
        if problem:
            return None, problem
        targets = dict.fromkeys([*self._listed(), *([typed] if typed else [])])
        if not targets:
            return None, Problem(self.tr("Name at least one application to trace."), missing=True)
        try:
            request = KernelRequest(
                tuple(targets),
                follow_exec=self.execve.isChecked(),
                not_yet_started=self.not_yet.isChecked(),
            )
        except SourceError as error:
            return None, Problem(str(error))
        return request, OK

    def device(self) -> KernelDevice:
        """What was chosen."""
        request, _ = self._asked()
        assert request is not None
        return KernelDevice(request, self.device_name.currentText().strip())

    def _check(self) -> None:
        self.add.setEnabled(self._typed()[0] is not None)
        self.remove.setEnabled(self.targets.currentRow() >= 0)
        request, problem = self._asked()
        self._tell(check_driver(self.device_name.currentText().strip()) or problem)
        if request != self._request or request is None:
            self._request = request
            self.count.clear()
            self.count.setToolTip("")
            self._lookout.ask(request)

    def _tell(self, problem: Problem) -> None:
        self.problem.tell(problem)
        ok_button(self.buttons).setEnabled(not problem)

    # What runs

    def _show_running(self, view: View) -> None:
        self._propose("name", view.names())
        self._propose("path", view.paths())
        self._propose("unit", view.units())
        self._propose("cgroup", view.cgroups())
        pids = [(str(p.pid), f"{p.pid}   {p.comm}") for p in view.processes]
        self._set_proposals("pid", sorted(pids, key=lambda pair: int(pair[0])))
        if view.request is None or view.request != self._request:
            return
        if view.problem:
            self._tell(Problem(view.problem))
        else:
            self.count.setText(self._count_text(view.meant))
            self.count.setToolTip(_tip(view.meant))

    def _count_text(self, meant: list[Running]) -> str:
        later = self.not_yet.isChecked()
        if not meant:
            return self.tr("No running process matches; one that starts later is traced.")
        count = len(meant)
        if later:
            words = self.tr(
                "{0} running processes match; only those that start later are traced.", "", count
            )
            return words.format(grouped(count))
        names = [f"{process.comm} ({process.pid})" for process in meant[:MOST_SHOWN]]
        if count > MOST_SHOWN:
            names.append("...")
        words = self.tr("{0} running processes match: {1}", "", count)
        return words.format(grouped(count), ", ".join(names))

    def _propose(self, kind: TargetKind, counts: Counter[str]) -> None:
        pairs = [
            (value, value if count == 1 else f"{value}   ({count})")
            for value, count in sorted(counts.items())
        ]
        self._set_proposals(kind, pairs)

    def _set_proposals(self, kind: TargetKind, pairs: list[tuple[str, str]]) -> None:
        completer = self._field(kind).completer()
        popup = completer.popup() if completer is not None else None
        if completer is None or pairs == self._shown.get(kind):
            return
        if popup is not None and popup.isVisible():
            return  # somebody chooses from it
        self._shown[kind] = pairs
        model = completer.model()
        assert isinstance(model, QStandardItemModel)
        model.clear()
        for value, shown in pairs:
            item = QStandardItem(shown)
            item.setData(value, _VALUE)
            model.appendRow(item)


def _tip(meant: list[Running]) -> str:
    lines = [
        f"{process.comm} ({process.pid})" + (f"  {process.exe}" if process.exe else "")
        for process in meant[:MOST_IN_TIP]
    ]
    if len(meant) > MOST_IN_TIP:
        lines.append(f"... (+{grouped(len(meant) - MOST_IN_TIP)})")
    return "\n".join(lines)
