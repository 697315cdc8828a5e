"""What the server keeps beside the index: keys, feedback, jobs, where it runs; and the answers it gave of late."""
