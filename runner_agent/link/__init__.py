"""The way to the server: enrollment, the Session and Terminals streams, renewal."""
