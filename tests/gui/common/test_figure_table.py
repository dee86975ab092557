from gui.common.figure_table import FigureTable


def test_the_last_column_takes_the_room_that_is_left_and_is_never_cut(qtbot):
    table = FigureTable("Figures", ["Group", "Accuracy", "Same class"])
    qtbot.addWidget(table)
    table.show_rows([["copies", "50.0 % (15.0 to 85.0 %)", "75.0 % (30.1 to 95.4 %)"]])
    table.resize(900, 200)
    table.show()
    assert table.columnViewportPosition(2) + table.columnWidth(2) == table.viewport().width()
    table.resize(300, 200)
    assert table.columnWidth(2) >= table.sizeHintForColumn(2)
    assert table.horizontalScrollBar().maximum() > 0
