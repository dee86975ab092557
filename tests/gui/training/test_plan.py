import pytest

from gui.training.plan import about
from training.recipe_files import RECIPES


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_recipe_that_comes_with_the_program_tells_what_it_is_in_whole_sentences(recipe):
    words = about(recipe.stem)
    assert words.endswith(".")
    assert "#" not in words


def test_a_recipe_without_a_comment_tells_nothing_and_one_that_is_not_there_neither(tmp_path):
    (tmp_path / "own.toml").write_text('role = "student"\n# not at the beginning\n')
    assert about(str(tmp_path / "own.toml")) == ""
    (tmp_path / "own.toml").write_text("# First line,\n# and the second.\n\n# Not this one.\n")
    assert about(str(tmp_path / "own.toml")) == "First line, and the second."
    assert about("nothing") == ""
