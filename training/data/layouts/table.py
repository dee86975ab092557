"""All layouts, in the order in which a folder is tried for them."""

from __future__ import annotations

from training.data.layouts.class_folders import CLASS_FOLDERS
from training.data.layouts.covid_qu_ex import COVID_QU_EX
from training.data.layouts.layout import Layout
from training.data.layouts.lc25000 import LC25000
from training.data.layouts.manifest import MANIFEST

# class folders come last: nearly any data set lies in folders
LAYOUTS: list[Layout] = [MANIFEST, COVID_QU_EX, LC25000, CLASS_FOLDERS]
