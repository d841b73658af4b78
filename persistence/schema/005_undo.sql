-- What undoes a step, if its job fails for good after the step has begun: a verb of the same primitive.
ALTER TABLE step ADD COLUMN undo TEXT NOT NULL DEFAULT '';
