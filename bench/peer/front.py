"""The pages of resultsdbpy as they come from PyPI, on the API of another server: run.sh front PORT URL

Its pages and scripts are its own; everything that they ask for goes to URL."""

import json
import sys
import urllib.error
import urllib.request

from flask import Response, request

from serve import application

# What the pages ask for, beside themselves.
ASKED = ('api', 'urls', 'archive', 'archive-routes')


class ToServer:
    """Sends what is below some paths to a server, and the rest to the pages."""

    def __init__(self, app, url):
        self.app, self.url = app, url.rstrip('/')

    def __call__(self, environ, start_response):
        if environ['PATH_INFO'].split('/')[1] not in ASKED:
            return self.app.wsgi_app_of_pages(environ, start_response)
        with self.app.request_context(environ):
            return self.ask()(environ, start_response)

    def ask(self):
        path = request.environ.get('RAW_URI') or request.full_path.rstrip('?')
        sent = urllib.request.Request(self.url + path, data=request.get_data() or None, method=request.method,
                                      headers={'Content-Type': request.content_type or 'application/json'})
        try:
            answer = urllib.request.urlopen(sent)
        except urllib.error.HTTPError as error:
            answer = error
        return Response(answer.read(), status=answer.status, content_type=answer.headers.get('Content-Type'))


def suites_of(url):
    """What a page lists is asked before the page is made."""
    def find_suites(**kwargs):
        with urllib.request.urlopen(f'{url}/api/suites') as answer:
            return {json.dumps(configuration): suites for configuration, suites in json.load(answer)}
    return find_suites


if __name__ == '__main__':
    app = application()
    app.model.upload_context.find_suites = suites_of(sys.argv[2].rstrip('/'))
    app.wsgi_app_of_pages = app.wsgi_app
    app.wsgi_app = ToServer(app, sys.argv[2])
    app.run(host='127.0.0.1', port=int(sys.argv[1]), threaded=True)
