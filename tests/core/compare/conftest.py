import pytest

from core.compare.session import ComparisonSession


@pytest.fixture(scope="package")
def session():
    """Both chest networks, loaded once for all tests of a comparison."""
    return ComparisonSession(images_kept=2)
