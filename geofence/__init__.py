"""Pure geometry on the map: boundaries, alignments with chainage, coordinate frames."""
