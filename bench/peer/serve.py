"""resultsdbpy as it comes from PyPI, in its in-memory mode, on one port: run.sh serve PORT

Its stores are the stand-ins that it ships for its own tests; it processes an upload before it answers."""

import os
import sys
import types
import unittest.mock

# The published package lacks the folder of this module; only the page that files bugs uses it.
sys.modules['resultsdbpy.bug_trackers'] = types.ModuleType('resultsdbpy.bug_trackers')
sys.modules['resultsdbpy.bug_trackers.bugzilla'] = bugzilla = types.ModuleType('resultsdbpy.bug_trackers.bugzilla')
bugzilla.WebKitBugzilla = unittest.mock.MagicMock
# It imports a name from a module that Python lost with 3.13, and does not use it.
sys.modules['crypt'] = types.ModuleType('crypt')
sys.modules['crypt'].methods = []

os.environ['CQLENG_ALLOW_SCHEMA_MANAGEMENT'] = '1'

from fakeredis import FakeStrictRedis
from flask import Flask
from resultsdbpy.controller.api_routes import APIRoutes
from resultsdbpy.model.mock_cassandra_context import MockCassandraContext
from resultsdbpy.model.model import Model
from resultsdbpy.model.repository import Repository
from resultsdbpy.view.view_routes import ViewRoutes


class Named(Repository):
    """A repository that nothing is looked up in: uploads bring whole commits."""

    def __init__(self):
        super().__init__(key='webkit', default_branch='main')
        self.name = 'webkit'

    def commit(self, ref=None, revision=None, hash=None, identifier=None, fast=False):
        raise ValueError(f'{ref or hash or identifier or revision} is not known')

    def representations(self):
        return ['identifier', 'hash']


def application():
    cassandra = MockCassandraContext(nodes=['localhost'], keyspace='bench', create_keyspace=True)
    model = Model(redis=FakeStrictRedis(), cassandra=cassandra, repositories=[Named()], default_ttl_seconds=Model.TTL_YEAR * 5,
                  async_processing=False)
    app = Flask('bench')
    app.model = model
    api = APIRoutes(model=model, import_name='bench')
    app.register_blueprint(api)
    app.register_blueprint(ViewRoutes(title='bench', model=model, controller=api, import_name='bench'))
    app.add_url_rule('/__health', view_func=lambda: 'ok')
    return app


if __name__ == '__main__':
    application().run(host='127.0.0.1', port=int(sys.argv[1]), threaded=True)
