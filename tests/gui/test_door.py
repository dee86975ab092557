import subprocess
import sys


def gui(*arguments):
    return subprocess.run([sys.executable, "-m", "gui", *arguments], capture_output=True, encoding="utf-8", check=False)


def test_the_demonstration_shows_what_both_say_of_a_real_radiograph():
    answer = gui("--demo")
    assert answer.returncode == 0, answer.stderr
    assert "no window yet" in answer.stdout
    assert "RG1_UNCR.dcm" in answer.stdout
    assert "teacher VGG19" in answer.stdout
    assert "student OFA-595" in answer.stdout


def test_without_an_image_it_says_what_to_do():
    answer = gui()
    assert answer.returncode == 2
    assert "--demo" in answer.stderr
