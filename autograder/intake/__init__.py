"""From a folder to plain data: zips, rosters, reading and grafting of what students hand in."""
