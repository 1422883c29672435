"""From an author's branch to the target and into a release: handed over, judged, checked, landed, tagged."""
