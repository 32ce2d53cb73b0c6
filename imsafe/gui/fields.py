# SPDX-License-Identifier: GPL-3.0-or-later
"""What several dialogs need: a path to browse for, a line that says what is wrong, messages."""

from __future__ import annotations

from typing import Literal

from PyQt6.QtCore import QAbstractItemModel, QLocale, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QIcon, QPalette, QValidator
from PyQt6.QtWidgets import (
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QWidget,
)

from imsafe.gui.colours import colours
from imsafe.gui.device import Problem
from imsafe.gui.settings import Settings
from imsafe.gui.sizes import FRAME

Choose = Literal["open", "save", "folder"]


class PathField(QWidget):
    """A path that is typed or chosen.

    Signals
    -------
    changed(str)
        At every keystroke.
    """

    changed = pyqtSignal(str)

    def __init__(
        self,
        settings: Settings,
        purpose: str,
        choose: Choose,
        title: str,
        filters: str = "",
    ) -> None:
        super().__init__()
        self._settings = settings
        self._purpose = purpose
        self._choose: Choose = choose
        self._title = title
        self._filters = filters
        self.edit = QLineEdit()
        self.edit.setAccessibleName(title)
        self.edit.setMinimumWidth(200)
        self.edit.textChanged.connect(self.changed)
        self.browse = QPushButton(self.tr("Browse..."))
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._browse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.edit, 1)
        layout.addWidget(self.browse)
        self.setFocusProxy(self.edit)
        # A label whose key is pressed leaves alone what takes no focus itself.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def path(self) -> str:
        """What is in the field."""
        return self.edit.text().strip()

    def set_path(self, path: str) -> None:
        """Put a path into the field."""
        self.edit.setText(path)

    def remember(self) -> None:
        """Let the next chooser of this purpose start in this folder."""
        if self.path:
            self._settings.set_folder(self._purpose, self.path)

    def _browse(self) -> None:
        start = self.path or self._settings.folder(self._purpose)
        match self._choose:
            case "open":
                path, _ = QFileDialog.getOpenFileName(self, self._title, start, self._filters)
            case "save":
                # Whether a file may be replaced is asked where it matters, in our words.
                path, _ = QFileDialog.getSaveFileName(
                    self, self._title, start, self._filters,
                    options=QFileDialog.Option.DontConfirmOverwrite,
                )  # fmt: skip
            case "folder":
                path = QFileDialog.getExistingDirectory(self, self._title, start)
        if path:
            self.set_path(path)
            self.remember()


class ThresholdField(QDoubleSpinBox):
    """An anomaly threshold, written as in logs and on the command line: 0.667, in any language."""

    def __init__(self, threshold: float = 0.0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setLocale(QLocale.c())
        self.setRange(0.0, 1.0)
        self.setDecimals(3)
        self.setSingleStep(0.01)
        self.setValue(threshold)
        self.setAccessibleName(self.tr("Anomaly threshold"))

    # Who types a comma means the same.

    def validate(self, input: str | None, pos: int) -> tuple[QValidator.State, str, int]:  # noqa: A002, D102
        return super().validate((input or "").replace(",", "."), pos)

    def valueFromText(self, text: str | None) -> float:  # noqa: D102
        return super().valueFromText((text or "").replace(",", "."))


class ProblemLine(QLabel):
    """Says what is wrong, in the colour of alerts, or what to do; keeps its place if nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumHeight(2 * self.fontMetrics().height())
        self.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)

    def tell(self, problem: Problem | str) -> None:
        """Show a problem, or nothing."""
        if isinstance(problem, str):
            problem = Problem(problem)
        text = problem.text
        palette = self.palette()
        ordinary = palette.color(QPalette.ColorRole.Text)
        colour = ordinary if problem.missing else colours(palette).alert
        palette.setColor(QPalette.ColorRole.WindowText, colour)
        self.setPalette(palette)
        self.setText(text)


def grow(dialog: QDialog) -> None:
    """Make a dialog as high as what it shows now needs; Qt squeezes the fields instead."""
    layout = dialog.layout()
    if layout is not None and dialog.isVisible():
        layout.activate()
        needed = layout.totalHeightForWidth(dialog.width())
        if (screen := dialog.screen()) is not None:
            needed = min(needed, screen.availableGeometry().height() - FRAME.height())
        if needed > dialog.height():
            dialog.resize(dialog.width(), needed)


class Proposals(QCompleter):
    """Proposes what holds the text that was typed so far; nothing once that is typed whole.

    Parameters
    ----------
    model
        What there is to propose.
    edit
        The field that it is for.
    """

    def __init__(self, model: QAbstractItemModel, edit: QLineEdit) -> None:
        super().__init__(model, edit)
        self._edit = edit
        self.setFilterMode(Qt.MatchFlag.MatchContains)
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setMaxVisibleItems(12)
        edit.setCompleter(self)
        # After the completer has shown its list, which would take the next click for itself.
        edit.textEdited.connect(lambda: QTimer.singleShot(0, self._hide_whole))

    def _hide_whole(self) -> None:
        popup, whole = self.popup(), self.currentCompletion() == self._edit.text()
        if popup is not None and whole and self.completionCount() == 1:
            popup.hide()


class Squeezable(QScrollArea):
    """Lets a form be scrolled where a small screen has no room for all of it."""

    def __init__(self, form: QWidget) -> None:
        super().__init__()
        self.setWidget(form)
        self.setWidgetResizable(True)
        # A group box has a shade of its own, and both of these paint over it.
        for inside in (form, self.viewport()):
            if inside is not None:
                inside.setAutoFillBackground(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._form = form

    def heightForWidth(self, width: int) -> int:  # noqa: D102
        return self._form.heightForWidth(width)

    def sizeHint(self) -> QSize:  # noqa: D102
        return self._form.sizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: D102
        bar = self.verticalScrollBar()
        width = self._form.minimumSizeHint().width() + (bar.sizeHint().width() if bar else 0)
        return QSize(width, 6 * self.fontMetrics().lineSpacing())


def closing_buttons() -> QDialogButtonBox:
    """Buttons of a dialog that can only be closed."""
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    button = box.button(QDialogButtonBox.StandardButton.Close)
    if button is not None:
        button.setIcon(QIcon())  # Qt's own is black, on a dark desktop as well
    return box


def ok_button(box: QDialogButtonBox) -> QPushButton:
    """The OK button that the box was made with."""
    button = box.button(QDialogButtonBox.StandardButton.Ok)
    assert button is not None
    return button


def show_message(
    parent: QWidget | None,
    title: str,
    text: str,
    icon: QMessageBox.Icon = QMessageBox.Icon.Warning,
    detail: str = "",
) -> QMessageBox:
    """Open a message that does not block, and give it."""
    box = QMessageBox(icon, title, text, QMessageBox.StandardButton.Ok, parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if detail:
        box.setInformativeText(detail)
    box.open()
    return box
