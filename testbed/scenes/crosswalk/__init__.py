"""`testbed/Crosswalk-v0`: a two-lane road with a zebra crossing, pedestrians, and perhaps somebody who watches."""
