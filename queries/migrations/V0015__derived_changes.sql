-- Changes are derived from the history tables and from the runs whenever they are read, so none is stored.
DROP TABLE event;
