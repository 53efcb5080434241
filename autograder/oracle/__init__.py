"""What an author writes: questions, cases, misconceptions, bars, and the pieces that several questions share."""
