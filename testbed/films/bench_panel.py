"""A panel of a film that shows a bench, drawn from the recorded states in the colours of who works there."""

from __future__ import annotations

from PIL import Image

from testbed.envs.warehouse.backend import choose
from testbed.errors import UserError
from testbed.films.clip import colour_of
from testbed.films.picture_panel import PicturePanel


class BenchPanel(PicturePanel):
    """One take: its bench, its header and what is marked."""

    @staticmethod
    def cannot_draw(environment: str) -> str:
        """Return why this machine cannot draw benches, or an empty string."""
        try:
            choose()
        except UserError as error:
            return str(error)
        return ""

    def _picture(self, sample: int) -> Image.Image:
        """Return the bench after a sample; the gripper has its driver's colour, what is marked that of its mark."""
        colours = {0: self.take.colour}
        colours |= {mark.body: colour_of(mark) for mark in reversed(self._marks(sample)) if mark.body}
        return Image.fromarray(self.scene.show(self.take.episode.states[sample + 1], colours))
