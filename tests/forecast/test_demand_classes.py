"""Classes of demands."""

import numpy as np

from foretide.forecast.demand_classes import intermittency


def test_classes_of_syntetos_and_boylan():
    rare = np.zeros(40)
    rare[::4] = 1.0
    wild = np.where(np.arange(40) % 2, 1.0, 20.0)
    found = intermittency(np.array([np.full(40, 2.0), wild, rare, rare * wild.cumsum() ** 3, np.zeros(40)]))
    assert found.kind.tolist() == ["smooth", "erratic", "intermittent", "lumpy", "empty"]
    np.testing.assert_allclose(found.zeros, [0, 0, 0.75, 0.75, 1])
    np.testing.assert_allclose(found.adi, [1, 1, 4, 4, np.inf])
    np.testing.assert_allclose(found.cv2[1], (9.5 / 10.5) ** 2)
    assert intermittency(np.array([[np.nan, np.nan, 0.0, 1.0]])).zeros == 0.5
